"""The small texts that the tokenisers learn from."""

ENGLISH = """
the keeper of the lighthouse lights the lamp when the light fails and keeps it lit until the morning
sailors who sailed past the lower rocks at low water know the lamp by its slow turning and those who sail there
for the first time are slower and look for the lamp before they look for the land the keeper trims the lamp and
winds the slowest of the clocks and writes the weather in the log and nobody thanks a lamp that never fails
"""
CHINESE = """
灯塔上的灯在天黑的时候点亮，守塔的人整夜看着灯，直到天亮。走过这片海的水手认得灯塔的灯光，第一次来的水手
走得慢，先找灯塔的灯光，再找海岸。守塔的人擦亮灯罩，给最慢的钟上好发条，记下天气，又去看海。没有人感谢一盏从不熄灭的灯。
"""

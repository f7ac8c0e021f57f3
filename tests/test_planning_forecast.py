"""What the plan expects of the day of the interview."""

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planned import BANK, DAY, MEMORY, TODAY, answer, interview_in, subjects_of
from small_bank import NOON, bank_of

from kb import study
from kb.planning import Effort, Interview, Subject
from kb.planning.choice import Learner, ahead, ranked
from kb.planning.forecast import outlooks
from kb.planning.rehearsal import FIRST_SHARES, MAX_ROUNDS, Rehearsal, luck
from kb.rating import Rating


def test_too_few_answers_are_told_early_with_what_can_be_chosen_instead():
    (outlook,) = outlooks(subjects_of(300, topics=20), [Interview(TODAY + 6 * DAY)], TODAY, Effort(40), MEMORY)
    assert (outlook.answers_possible, outlook.answers_needed, outlook.left_unseen) == (240, 300, 60)
    assert [(choice.answers_per_day, choice.left_unseen) for choice in outlook.choices] == [(40, 60), (50, 0), (100, 0)]
    assert outlook.leave_out == ("t16", "t17", "t18", "t19")
    assert outlook.choices[0].recall == outlook.recall
    recalls = [choice.recall.mean for choice in outlook.choices]
    assert recalls == sorted(recalls)


def test_topics_are_left_out_only_where_others_remain():
    (outlook,) = outlooks(subjects_of(30, topics=1), [Interview(TODAY + DAY)], TODAY, Effort(10), MEMORY)
    assert (outlook.left_unseen, outlook.leave_out) == (20, ())
    subjects = [*subjects_of(3, topics=1), *(Subject(f"r{place}", "big") for place in range(9)), Subject("s", "small")]
    (outlook,) = outlooks(subjects, [Interview(TODAY + DAY)], TODAY, Effort(4), MEMORY)
    assert (outlook.left_unseen, outlook.leave_out) == (9, ("big",))


@given(st.integers(0, 500), st.integers(0, 40), st.integers(0, 60))
def test_the_answers_a_day_that_are_called_enough_are_the_fewest_that_are(answers, days, done):
    per_day = Effort(1, done).enough(answers, days)
    assert Effort(per_day, done).until(days) >= answers
    assert per_day == 0 or Effort(per_day - 1, done).until(days) < answers


def test_an_unseen_question_counts_as_not_recalled_and_a_seen_one_by_its_curve():
    interview = [Interview(TODAY + 5 * DAY)]
    (outlook,) = outlooks(subjects_of(10, 10, topics=2), interview, TODAY, Effort(0), MEMORY)
    seen, unseen = outlook.topics
    assert (unseen.unseen, unseen.left_unseen, unseen.recall.mean, unseen.recall.high) == (10, 10, 0.0, 0.0)
    assert seen.recall.low < MEMORY.recall(3.0, 7.0) < seen.recall.high
    assert outlook.recall.mean == pytest.approx(seen.recall.mean / 2)


def test_chance_makes_few_questions_less_certain_than_many():
    widths = []
    for count in (1, 10, 1000):
        (outlook,) = outlooks(subjects_of(0, count), [Interview(TODAY + 5 * DAY)], TODAY, Effort(0), MEMORY)
        assert 0 <= outlook.recall.low <= outlook.recall.mean <= outlook.recall.high <= 1
        widths.append(outlook.recall.high - outlook.recall.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > 0.05  # what remains is that the learner may not be as the parameters say


def test_a_forecast_over_many_days_goes_on_from_one_over_fewer():
    means = []
    for days in (1, 2, MAX_ROUNDS - 1, MAX_ROUNDS, MAX_ROUNDS + 1, 400):
        (outlook,) = outlooks(subjects_of(60), [Interview(TODAY + days * DAY)], TODAY, Effort(10), MEMORY)
        assert outlook.left_unseen == max(60 - 10 * days, 0)
        means.append(outlook.recall.mean)
    assert means[0] < means[1] < means[2]
    assert means[2:] == pytest.approx([means[3]] * 4, abs=0.03)


def test_the_forecast_is_the_same_each_time_and_an_answer_moves_it_little(store):
    interview_in(store, 8, per_day=6)
    first = study.plan(BANK, store, NOON)
    assert study.plan(BANK, store, NOON) == first
    answer(store, "a")
    second = study.plan(BANK, store, NOON)
    assert (second.answered, len(second.next), second.new) == (1, 5, 5)
    assert second.interviews[0].recall.mean == pytest.approx(first.interviews[0].recall.mean, abs=0.05)


def test_an_empty_bank_has_no_plan(store):
    interview_in(store, 5)
    plan = study.plan(bank_of(), store, NOON)
    assert (plan.interviews, plan.next) == ((), ())


# How the days are played through

drawn_subjects = st.lists(
    st.builds(
        lambda topic, seen, stability, waited: (
            Subject("", topic, stability, 5.0, TODAY - waited * DAY) if seen else Subject("", topic)
        ),
        st.sampled_from("abc"),
        st.booleans(),
        st.sampled_from((0.2, 2.3, 8.0, 60.0)),
        st.integers(-1, 20),
    ),
    min_size=1,
    max_size=12,
)
drawn_interviews = st.lists(
    st.builds(
        Interview, st.integers(0, 12).map(lambda days: TODAY + days * DAY), st.sampled_from(((), ("a",), ("a", "b")))
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@given(drawn_subjects, drawn_interviews, st.builds(Effort, st.integers(0, 6), st.integers(0, 4)))
def test_each_day_answers_those_by_which_most_is_lost_the_more_the_nearer_each_interview_that_covers_them(
    subjects, interviews, effort
):
    """The same days played by looking at the loss of every subject, which is slow."""
    interviews = sorted(interviews, key=lambda each: each.date)
    learner = Learner(MEMORY, 0.7)
    known = {
        place: [0.7 * each.stability, 5.0, min((each.last_day - TODAY).days, 0)]
        for place, each in enumerate(subjects)
        if each.last_day
    }
    answers = [0] * len(subjects)

    def recall(place: int, day: int) -> float:
        return MEMORY.recall(known[place][0], day - known[place][2]) if place in known else 0.0

    expected, day = [], 0
    for interview in interviews:
        end = (interview.date - TODAY).days
        while day < max(end, 1):
            days_left = [(each, (each.date - TODAY).days - day) for each in interviews]
            urgent = [
                (sum(1 / max(left, 1) for each, left in days_left if left >= 0 and each.covers(subject.topic)), place)
                for place, subject in enumerate(subjects)
                if place not in known or known[place][2] != day
            ]
            order = sorted((-urgency * (1 - recall(place, day)), place) for urgency, place in urgent if urgency)
            for _, place in order[: effort.per_day if day else effort.left]:
                drawn = luck(place, answers[place])
                answers[place] += 1
                if place in known:
                    stability, difficulty, last = known[place]
                    rating = Rating.Good if drawn < recall(place, day) else Rating.Again
                    known[place] = [*MEMORY.after(stability, difficulty, day - last, rating), day]
                else:
                    rating = next((rating for rating, share in FIRST_SHARES if drawn < share), Rating.Easy)
                    stability, difficulty = MEMORY.first(rating)
                    known[place] = [0.7 * stability, difficulty, day]
            day += 1
        expected.append([recall(place, max(end, 1)) for place in range(len(subjects))])
    assert list(Rehearsal(subjects, interviews, TODAY, learner).play(effort)) == expected


@pytest.mark.parametrize(
    ("first", "second", "per_day"),
    [(("m", 4), ("a", 7), 20), (("m", 4), ("a", 7), 10), (("m", 2), ("a", 7), 20), (("m", 4), ("", 14), 20)],
)
def test_with_two_dates_the_forecast_is_what_the_daily_choice_comes_to(first, second, per_day):
    subjects = [
        *(Subject(f"a{place}", "a") for place in range(44)),
        *(Subject(f"m{place}", "m") for place in range(25)),
    ]
    interviews = [Interview(TODAY + days * DAY, tuple(topics)) for topics, days in (first, second)]
    played = dict(enumerate(subjects))
    answers = [0] * len(subjects)
    reached = []
    for day in range(second[1]):
        today = TODAY + day * DAY
        for subject in ranked(list(played.values()), ahead(interviews, today), today, per_day, MEMORY)[:per_day]:
            place = subjects.index(Subject(subject.question, subject.topic))
            drawn = luck(place, answers[place])
            answers[place] += 1
            if subject.last_day is None:
                rating = next((rating for rating, share in FIRST_SHARES if drawn < share), Rating.Easy)
                after = MEMORY.first(rating)
            else:
                waited = (today - subject.last_day).days
                rating = Rating.Good if drawn < MEMORY.recall(subject.stability, waited) else Rating.Again
                after = MEMORY.after(subject.stability, subject.difficulty, waited, rating)
            played[place] = Subject(subject.question, subject.topic, *after, today, rating is Rating.Again)
        for interview in interviews:
            if interview.date == today + DAY:
                asked = [each for each in played.values() if interview.covers(each.topic)]
                recalls = [
                    MEMORY.recall(each.stability, (interview.date - each.last_day).days) if each.last_day else 0.0
                    for each in asked
                ]
                reached.append(fmean(recalls))
    rehearsal = Rehearsal(subjects, interviews, TODAY, Learner(MEMORY, 1.0))
    expected = [
        fmean(recall for recall, each in zip(recalls, subjects, strict=True) if interview.covers(each.topic))
        for recalls, interview in zip(rehearsal.play(Effort(per_day)), interviews, strict=True)
    ]
    assert expected == pytest.approx(reached, abs=0.06)


def test_from_nothing_seen_the_forecast_is_what_ratings_by_chance_come_to():
    """The days played with ratings drawn anew each time; one luck for two answers would be off by 4 points."""
    subjects, interviews = subjects_of(300), [Interview(TODAY + 21 * DAY)]
    source = random.Random(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb.planning.rehearsal.luck", lambda place, answers: source.random())
        drawn = [
            fmean(*Rehearsal(subjects, interviews, TODAY, Learner(MEMORY, 1.0)).play(Effort(40))) for _ in range(20)
        ]
    (found,) = Rehearsal(subjects, interviews, TODAY, Learner(MEMORY, 1.0)).play(Effort(40))
    assert fmean(found) == pytest.approx(fmean(drawn), abs=0.01)

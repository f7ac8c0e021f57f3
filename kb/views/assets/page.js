// Says which language the page is in, where Streamlit writes lang="en". Calendars take theirs from the browser when the page is
// drawn: where that speaks another language, it is told the one of the page, which is drawn once more when it is complete.
// What opens over the page stands outside of the app, and has its system colours from here. On a phone the menu of pages covers
// the page, and closes once one is chosen.

const PAUSE_MS = 50
const PHONE = matchMedia("(max-width: 48rem)")

const closeMenu = (event) => {
  if (!PHONE.matches || !event.target.closest?.('[data-testid="stSidebarNavLink"]')) return
  setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click())
}

export default function ({ data, setTriggerValue }) {
  const { language, scheme } = data
  document.addEventListener("click", closeMenu) // the same function is added once, however often this is called
  document.documentElement.lang = language
  document.documentElement.style.colorScheme = scheme
  const before = navigator.language
  delete navigator.language
  if (!navigator.language.startsWith(language.slice(0, 2))) {
    Object.defineProperty(navigator, "language", { value: language, configurable: true })
  }
  if (navigator.language === before) return
  const drawAgain = () => {
    const running = document.querySelector('.stApp[data-test-script-state="running"]')
    if (running) setTimeout(drawAgain, PAUSE_MS)
    else setTriggerValue("language", language)
  }
  drawAgain()
}

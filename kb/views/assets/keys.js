// Presses the button that a key stands for, does what has no button in view, or moves the cursor into a field. A held key
// counts once, and keys typed into a text field stay there; Enter in a one-line field and Escape in any field leave it, so
// that the keys work again. Streamlit's own shortcuts repeat while held, stop at checkboxes and cannot be a question mark.
//
// While Streamlit replaces one page by the next there is a moment with neither; a key pressed then waits for the next.

const TEXT = 'textarea, select, [contenteditable="true"], input:not([type=checkbox]):not([type=radio]):not([type=range])'
const PRESSED = "button, input[type=checkbox]"
const BETWEEN_MS = 1500
const inside = (name, selector) => document.querySelector(`.st-key-${CSS.escape(name)} :is(${selector})`)
const typing = (event) => event.target.closest?.(TEXT)
let shown = null // what the page that was drawn last takes
let former = null, leftAt = 0 // the same of the page that it replaces, and since when that is gone
let waiting = null
let focused = null

// Streamlit loads the script of a field when it first needs one.
const enter = (name, tries = 60) => {
  const field = inside(name, "input, textarea")
  if (field) field.focus()
  else if (tries && name === focused) setTimeout(enter, 50, name, tries - 1)
}

// Streamlit may put a new button in the place of one that it has just drawn.
const nameKeys = () => {
  for (const [key, name] of Object.entries(shown?.buttons ?? {})) {
    inside(name, PRESSED)?.setAttribute("aria-keyshortcuts", key === " " ? "Space" : key.toUpperCase())
  }
}

const act = (key) => {
  if (shown.actions.includes(key)) return shown.trigger("pressed", key)
  const button = inside(shown.buttons[key], PRESSED)
  if (button && !button.disabled) button.click()
}

const press = (event) => {
  const between = !shown && performance.now() - leftAt < BETWEEN_MS
  const page = between ? former : shown
  if (!page || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event)) return
  if (document.querySelector('[role="dialog"]')) return
  const key = event.key.toLowerCase()
  if (page.fields[key]) {
    inside(page.fields[key], "input, textarea")?.focus()
    if (!/[-.\d]/.test(key)) event.preventDefault()
    return
  }
  if (!page.actions.includes(key) && !page.buttons[key]) return
  const chosen = document.activeElement?.closest?.("button, a, summary")
  if ((key === " " || key === "enter") && chosen?.matches(":focus-visible")) return
  event.preventDefault()
  event.stopPropagation()
  if (event.repeat) return
  if (between) waiting = { key, since: performance.now() }
  else act(key)
}

// Runs after the field itself has seen the key.
const leave = (event) => {
  const field = shown && !event.isComposing ? typing(event) : null
  if (field && (event.key === "Escape" || (event.key === "Enter" && field.tagName === "INPUT"))) field.blur()
}

// Firefox presses a focused button when the space bar is released.
const release = (event) => {
  const ours = event.key === " " && shown?.buttons[" "]
  if (ours && !typing(event) && !event.target.matches?.(":focus-visible")) event.preventDefault()
}

document.addEventListener("keydown", press, true)
document.addEventListener("keydown", leave)
document.addEventListener("keyup", release, true)
new MutationObserver(nameKeys).observe(document.body, { childList: true, subtree: true })

export default function ({ data, setTriggerValue }) {
  const page = { ...data, trigger: setTriggerValue }
  shown = page
  nameKeys()
  if (data.focus !== focused) {
    focused = data.focus
    if (focused) enter(focused)
  }
  if (waiting) {
    const { key, since } = waiting
    waiting = null
    const known = page.actions.includes(key) || page.buttons[key]
    if (known && performance.now() - since < BETWEEN_MS) setTimeout(() => shown && act(key))
  }
  return () => {
    if (shown !== page) return
    former = page
    shown = null
    leftAt = performance.now()
  }
}

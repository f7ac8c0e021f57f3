// Presses the button that a key stands for, does what has no button in view, or moves the cursor into a field. A held key
// counts once, and keys typed into a text field stay there; Enter in a one-line field and Escape in any field leave it, so
// that the keys work again. Streamlit's own shortcuts repeat while held, stop at checkboxes and cannot be a question mark.

const TEXT = 'textarea, select, [contenteditable="true"], input:not([type=checkbox]):not([type=radio]):not([type=range])'
const PRESSED = "button, input[type=checkbox]"
const inside = (name, selector) => document.querySelector(`.st-key-${CSS.escape(name)} :is(${selector})`)
const typing = (event) => event.target.closest?.(TEXT)
let focused = null

// Streamlit loads the script of a field when it first needs one.
const enter = (name, tries = 60) => {
  const field = inside(name, "input, textarea")
  if (field) field.focus()
  else if (tries && name === focused) setTimeout(enter, 50, name, tries - 1)
}

export default function ({ data, setTriggerValue }) {
  const { buttons, fields, actions, focus } = data
  // Streamlit may put a new button in the place of one that it has just drawn.
  const nameKeys = () => {
    for (const [key, name] of Object.entries(buttons)) {
      inside(name, PRESSED)?.setAttribute("aria-keyshortcuts", key === " " ? "Space" : key.toUpperCase())
    }
  }
  const redrawn = new MutationObserver(nameKeys)
  redrawn.observe(document.body, { childList: true, subtree: true })
  nameKeys()
  if (focus !== focused) {
    focused = focus
    if (focus) enter(focus)
  }

  const press = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event)) return
    if (document.querySelector('[role="dialog"]')) return
    const key = event.key.toLowerCase()
    if (fields[key]) {
      inside(fields[key], "input, textarea")?.focus()
      if (!/[-.\d]/.test(key)) event.preventDefault()
      return
    }
    const act = actions.includes(key)
    if (!act && !buttons[key]) return
    const chosen = document.activeElement?.closest?.("button, a, summary")
    if ((key === " " || key === "enter") && chosen?.matches(":focus-visible")) return
    event.preventDefault()
    event.stopPropagation()
    if (event.repeat) return
    const button = act ? null : inside(buttons[key], PRESSED)
    if (act) setTriggerValue("pressed", key)
    else if (button && !button.disabled) button.click()
  }

  // Runs after the field itself has seen the key.
  const leave = (event) => {
    const field = event.isComposing ? null : typing(event)
    if (field && (event.key === "Escape" || (event.key === "Enter" && field.tagName === "INPUT"))) field.blur()
  }

  // Firefox presses a focused button when the space bar is released.
  const release = (event) => {
    if (event.key === " " && buttons[" "] && !typing(event) && !event.target.matches?.(":focus-visible")) event.preventDefault()
  }

  document.addEventListener("keydown", press, true)
  document.addEventListener("keydown", leave)
  document.addEventListener("keyup", release, true)
  return () => {
    redrawn.disconnect()
    document.removeEventListener("keydown", press, true)
    document.removeEventListener("keydown", leave)
    document.removeEventListener("keyup", release, true)
  }
}

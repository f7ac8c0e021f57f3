// Presses the button that a key stands for, or moves the cursor into a field. A held key counts once, and keys typed into a
// text field stay there; Enter in a one-line field and Escape in any field leave it, so that the keys work again.
// Streamlit's own shortcuts repeat while held, stop at checkboxes and cannot be a question mark.

const TEXT = 'textarea, select, [contenteditable="true"], input:not([type=checkbox]):not([type=radio]):not([type=range])'
const inside = (name, selector) => document.querySelector(`.st-key-${CSS.escape(name)} ${selector}`)
const typing = (event) => event.target.closest?.(TEXT)

export default function ({ data }) {
  const { buttons, fields } = data
  for (const [key, name] of Object.entries(buttons)) {
    inside(name, "button")?.setAttribute("aria-keyshortcuts", key === " " ? "Space" : key.toUpperCase())
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
    if (!buttons[key]) return
    const focused = document.activeElement?.closest?.("button, a, summary")
    if ((key === " " || key === "enter") && focused?.matches(":focus-visible")) return
    event.preventDefault()
    event.stopPropagation()
    const button = inside(buttons[key], "button")
    if (!event.repeat && button && !button.disabled) button.click()
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
    document.removeEventListener("keydown", press, true)
    document.removeEventListener("keydown", leave)
    document.removeEventListener("keyup", release, true)
  }
}

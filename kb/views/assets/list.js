// Walks the list under a search field: arrow down and up move along its rows, Enter in the field goes to the first row once
// the list shows what was typed, a slash goes back to the field. Rows are links, so that Enter on one opens it.

const TEXT = 'textarea, select, [contenteditable="true"], input:not([type=checkbox]):not([type=radio]):not([type=range])'
let wanted = null
let detach = () => {} // as in keys.js

export default function ({ data }) {
  detach()
  const { search, words } = data
  const field = () => document.querySelector(`.st-key-${CSS.escape(search)} input`)
  const rows = () => [...document.querySelectorAll('[class*="st-key-row-"] a')]
  const show = (element) => {
    element?.focus()
    element?.scrollIntoView({ block: "nearest" })
  }

  const settle = () => {
    if (wanted !== null && wanted === words && document.activeElement === field()) show(rows()[0])
    if (wanted === words) wanted = null
  }
  requestAnimationFrame(settle)

  const move = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return
    if (document.querySelector('[role="dialog"], [role="listbox"]')) return
    const typing = event.target === field()
    if (event.key === "/" && !event.target.closest?.(TEXT)) {
      event.preventDefault()
      field()?.select()
      return
    }
    if (typing && event.key === "Enter") {
      wanted = field().value.trim()
      settle()
      return
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return
    const all = rows()
    const place = all.indexOf(document.activeElement)
    if (!typing && place < 0) return
    event.preventDefault()
    if (event.key === "ArrowUp" && place <= 0) field()?.focus()
    else show(all[Math.min(place + (event.key === "ArrowDown" ? 1 : -1), all.length - 1)])
  }

  document.addEventListener("keydown", move, true)
  detach = () => document.removeEventListener("keydown", move, true)
  return detach
}

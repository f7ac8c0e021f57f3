// Opens the topic of the tile that is clicked and brings its point into view. The tiles are for the eye and the mouse: the
// same points stand in the list of each topic, which opens by keyboard.

// The list comes from the server, and then unfolds.
const show = (name, tries = 60) => {
  const point = document.querySelector(`.st-key-${CSS.escape(name)}`)
  const { top = 0, height = 0 } = point?.getBoundingClientRect() ?? {}
  const seen = height > 0 && top > 0 && top < innerHeight * 0.8
  if (height > 0 && !seen) point.scrollIntoView({ block: "center" })
  const link = point?.querySelector("a")
  if (!(seen && link) && tries) setTimeout(show, 50, name, tries - 1)
  else link?.focus({ preventScroll: true })
}

let detach = () => {} // as in keys.js

export default function () {
  detach()
  const open = (event) => {
    const tile = event.target.closest?.("[data-point]")
    if (!tile) return
    const details = document.querySelector(`.st-key-map-${CSS.escape(tile.dataset.topic)} details`)
    if (details && !details.open) details.querySelector("summary").click()
    show(`at-${tile.dataset.point}`)
  }
  document.addEventListener("click", open)
  detach = () => document.removeEventListener("click", open)
  return detach
}

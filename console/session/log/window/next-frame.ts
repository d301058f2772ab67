/** Calls back when the page is drawn next. A page that nobody sees is not drawn: then after a moment. */
export function nextFrame(work: () => void): void {
  if (document.hidden) setTimeout(work, 250);
  else requestAnimationFrame(work);
}

/**
 * Stands in for a `<style>` element, which the page's policy forbids: its text is a constructable style sheet, which the policy
 * allows, because only a script that runs already can make one. xterm.js is built with it (`scripts/console/xterm-style-sheets.ts`).
 */
export function styleSheetElement(): HTMLElement {
  const element = document.createElement('span');
  element.hidden = true;
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, 'textContent', {
    set(css: string) {
      sheet.replaceSync(css);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((adopted) => adopted !== sheet);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}

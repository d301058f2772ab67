import { again } from './again.ts';

/** Stands in the page itself (`console/index.html`), for a file that should load the others again could be lost as they are. */

/** The address of the bundle of `console/main.tsx`. */
declare const MAIN: string;

async function begin(): Promise<void> {
  const link = document.querySelector<HTMLLinkElement>('link[rel=stylesheet]');
  // The browser begins a module once it has the page's style, or has failed to get it.
  if (link !== null && !hasStyle()) await again(() => loadAgain(link.href));
  await again(() => import(MAIN));
}

/** By a name that `console/styles/base.css` gives: browsers make a sheet also of a file that has not come. */
const hasStyle = () => getComputedStyle(document.documentElement).getPropertyValue('--ground') !== '';

/** @throws when it does not come */
function loadAgain(href: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => {
      link.remove();
      reject(new Error(`${href} could not be loaded`));
    });
    document.head.append(link);
  });
}

begin().catch((error: unknown) => {
  console.error(error);
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    textContent: 'Load the page again',
    onclick: () => location.reload(),
  });
  const text = document.createElement('p');
  text.role = 'alert';
  text.append('The console could not be loaded: the service does not answer, or has another version now. ', button);
  document.getElementById('app')?.replaceChildren(text);
});

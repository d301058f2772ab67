/** Lines on a grid of 24 by 24. */
const PATHS = {
  alert: 'M12 4 2.8 20h18.4L12 4Zm0 6v5m0 2.5v.2',
  archive: 'M4 8h16v11a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V8ZM3 4h18v4H3V4Zm6 8h6',
  back: 'M15 5l-7 7 7 7',
  bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15L6 16Zm4 4.5a2.2 2.2 0 0 0 4 0',
  branch: 'M7 4v16M7 14c6 0 10-2 10-6m0 0a2.2 2.2 0 1 0 0-4.4A2.2 2.2 0 0 0 17 8Z',
  chat: 'M4 5h16v11H10l-5 4v-4H4V5Z',
  check: 'M5 12.5 10 17.5 19.5 7',
  chevron: 'M9 5l7 7-7 7',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 8v4.5l3 2',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10v11H9V9ZM5 15V4h10',
  down: 'M5 9l7 7 7-7',
  download: 'M12 4v11m0 0-4.5-4.5M12 15l4.5-4.5M5 19.5h14',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Zm9.5-2.7a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4Z',
  file: 'M6 3.5h8l4 4v13H6v-17Zm8 0v4h4',
  folder: 'M3.5 6h6l2 2.5h9V19h-17V6Z',
  fork: 'M7 3.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4Zm10 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4Zm-5 13a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM7 7.5v1c0 3 5 2.5 5 5m5-6v1c0 3-5 2.5-5 5m0 0v3',
  globe: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c5 5 5 12 0 17-5-5-5-12 0-17Z',
  image: 'M4 5h16v14H4V5Zm0 11 4.5-4.5 4 4 3-3L20 17M15.5 9v.1',
  inbox: 'M4 13.5 6.5 5h11L20 13.5V19H4v-5.5Zm0 0h4.5l1.5 2.5h4l1.5-2.5H20',
  keyboard: 'M3 7h18v10H3V7Zm4 3.3v.1m3.3-.1v.1m3.4-.1v.1m3.3-.1v.1M8 14h8',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  list: 'M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4.5 6.5v.1M4.5 12v.1M4.5 17.5v.1',
  menu: 'M12 5a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4Zm0 6.3a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4Zm0 6.3a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4Z',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z',
  pause: 'M8.5 5v14M15.5 5v14',
  plan: 'M6 4h12v16H6V4Zm3.5 5h5m-5 3.5h5m-5 3.5h3',
  plus: 'M12 5v14M5 12h14',
  question: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM9.5 9.5c0-3.3 5-3.2 5 0 0 2-2.5 2-2.5 4m0 2.8v.1',
  refresh: 'M19.5 8A8.2 8.2 0 0 0 4 10m.5 6A8.2 8.2 0 0 0 20 14M20 4v4.5h-4.5M4 20v-4.5h4.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm5 11.5L20 20',
  send: 'M4.5 12 4 4.5 20.5 12 4 19.5 4.5 12Zm0 0H12',
  settings:
    'M4 7h9m5 0h2M4 17h3m5 0h8M15.5 4.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6Zm-6 10a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6Z',
  shield: 'M12 3.5 5 6v5.5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9V6l-7-2.5Z',
  'sign-out': 'M13 4H5v16h8M10 12h10m0 0-3.5-3.5M20 12l-3.5 3.5',
  sort: 'M7 5v14m0 0-3.5-3.5M7 19l3.5-3.5M13 7h7.5M13 12h5.5M13 17h3.5',
  stop: 'M6.5 6.5h11v11h-11v-11Z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v1.5m0 15V21M3 12h1.5m15 0H21M5.6 5.6l1.1 1.1m10.6 10.6 1.1 1.1m0-12.8-1.1 1.1M6.7 17.3l-1.1 1.1',
  system: 'M3.5 5h17v11h-17V5ZM9 20h6m-3-4v4',
  terminal: 'M3.5 5h17v14h-17V5Zm3.5 4 3 3-3 3m5 0h5',
  tool: 'M14.5 6.5a4 4 0 0 1 5-1.5l-2.7 2.7 1.5 1.5L21 6.5a4 4 0 0 1-5.5 5L8 19a2 2 0 0 1-3-3l7.5-7.5a4 4 0 0 1 2-2Z',
  trash: 'M4.5 7h15M9 7V4h6v3m-8.5 0 .8 13h9.4l.8-13M10 10.5v6m4-6v6',
  tree: 'M5 4v13.5h5M5 9.5h5M13 7h7v5h-7V7Zm0 8h7v5h-7v-5Z',
  up: 'M5 15l7-7 7 7',
  upload: 'M12 15V4m0 0L7.5 8.5M12 4l4.5 4.5M5 19.5h14',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c.7-4 3.7-5.5 7.5-5.5s6.8 1.5 7.5 5.5',
} as const;

/** A picture that the console has. */
export type IconName = keyof typeof PATHS;

/** A small picture beside words. Alone it says nothing to screen readers: give what it is in a label (`IconButton`). */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="ui-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The pages of the console, by its own paths (`console/app.tsx` has the same). All are one document. */
export const PAGES = ['/', '/sessions', '/sessions/:id', '/sessions/:id/:view', '/notifications'];

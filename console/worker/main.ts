import { pressed } from './press.ts';
import { received } from './receive.ts';
import { worker } from './scope.ts';
import { answerOf, keepShell, takeOver } from './shell.ts';

/**
 * The console's service worker: it has the console's files, so that the console opens offline, and makes notifications of what is
 * pushed. Answers of the API are never kept here.
 */

worker.addEventListener('install', (event) => event.waitUntil(keepShell()));
worker.addEventListener('activate', (event) => event.waitUntil(takeOver()));

worker.addEventListener('fetch', (event) => {
  const answer = answerOf(event.request);
  if (answer !== null) event.respondWith(answer);
});

worker.addEventListener('message', (event) => {
  // The page of an earlier version is about to load anew (`worker-client/update.ts`).
  if (event.data === 'take over') event.waitUntil(worker.skipWaiting());
});

worker.addEventListener('push', (event) => event.waitUntil(received(event.data)));
worker.addEventListener('notificationclick', (event) => event.waitUntil(pressed(event.notification, event.action)));

import { expect } from 'vitest';
import type { CDPSession, Page, Worker } from 'playwright-core';
import { until } from '../until.ts';

/** A notification that the browser shows. */
interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly actions: readonly { readonly action: string; readonly title: string }[];
}

/** The console's service worker in a browser, as a push service and a finger reach it. */
export class ConsoleWorker {
  readonly #worker: Worker;
  readonly #debugger: CDPSession;
  readonly #registration: string;

  private constructor(worker: Worker, session: CDPSession, registration: string) {
    this.#worker = worker;
    this.#debugger = session;
    this.#registration = registration;
  }

  /** The one that controls this page, once it does. */
  static async of(page: Page): Promise<ConsoleWorker> {
    const session = await page.context().newCDPSession(page);
    const registrations: string[] = [];
    session.on('ServiceWorker.workerRegistrationUpdated', (event) => {
      registrations.push(...event.registrations.map(({ registrationId }) => registrationId));
    });
    await session.send('ServiceWorker.enable');
    await page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
    const worker = await until(() => {
      const [found] = page.context().serviceWorkers();
      if (found === undefined || registrations.length === 0) throw new Error('there is no worker yet');
      return found;
    });
    const [registration = ''] = registrations;
    return new ConsoleWorker(worker, session, registration);
  }

  /** As the push service of the browser delivers it. */
  async push(message: unknown): Promise<void> {
    const origin = new URL(this.#worker.url()).origin;
    const data = JSON.stringify(message);
    await this.#debugger.send('ServiceWorker.deliverPushMessage', { origin, registrationId: this.#registration, data });
  }

  async shown(): Promise<Shown[]> {
    return await this.#worker.evaluate(`registration.getNotifications().then((all) => all.map(
      ({ title, body, tag, actions }) => ({ title, body, tag, actions: actions.map(({ action, title }) => ({ action, title })) })))`);
  }

  /** The one notification that is shown, once it is. */
  async one(): Promise<Shown> {
    return await until(async () => {
      const [shown, ...others] = await this.shown();
      expect(others).toEqual([]);
      if (shown === undefined) throw new Error('nothing is shown');
      return shown;
    });
  }

  /**
   * Presses the one notification, or its button with this text. Chromium without a screen shows none that could be pressed, so the
   * worker gets the event from here: such a one is no gesture of a person, so a window does not come to the front by it.
   */
  async press(button?: string): Promise<void> {
    await this.#worker.evaluate(
      `(async (button) => {
        const [notification] = await registration.getNotifications();
        const action = button === null ? '' : notification.actions.find(({ title }) => title === button).action;
        const event = new NotificationEvent('notificationclick', { notification, action });
        let work;
        event.waitUntil = (promise) => { work = promise; };
        WindowClient.prototype.focus = async function () { return this; };
        dispatchEvent(event);
        await work;
      })(${JSON.stringify(button ?? null)})`,
    );
  }
}

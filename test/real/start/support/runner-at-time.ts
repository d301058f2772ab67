/**
 * The runner with another clock, beside this machine's by `RUNNER_CLOCK_OFFSET_MS`: that of the edge (`held-clock.ts`), for which
 * the runner signs tokens of a few minutes.
 */
const machine = Date;
const now = () => machine.now() + Number(process.env['RUNNER_CLOCK_OFFSET_MS']);
globalThis.Date = new Proxy(machine, {
  construct: (date, parts, target): Date =>
    Reflect.construct(date, parts.length === 0 ? [now()] : parts, target) as Date,
  get: (date, name, receiver): unknown => (name === 'now' ? now : Reflect.get(date, name, receiver)),
});

await import('../../../../runner/main.ts');

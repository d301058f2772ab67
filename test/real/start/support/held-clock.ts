/**
 * Runs in workerd, before the Worker: its clock stands beside this machine's by `CLOCK_OFFSET_MS`. An old state is then opened on
 * the day on which it was made, whenever that is done.
 */

/** Put in by `bundleAtTime`. */
declare const CLOCK_OFFSET_MS: number;

const machine = Date;
const now = () => machine.now() + CLOCK_OFFSET_MS;
globalThis.Date = new Proxy(machine, {
  construct: (date, parts, target): Date =>
    Reflect.construct(date, parts.length === 0 ? [now()] : parts, target) as Date,
  get: (date, name, receiver): unknown => (name === 'now' ? now : Reflect.get(date, name, receiver)),
});

interface Alarms {
  getAlarm: (this: Alarms) => Promise<number | null>;
  setAlarm: (this: Alarms, at: number | Date) => Promise<void>;
}
interface ObjectState {
  readonly id: { toString(): string };
  readonly storage: Alarms;
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
}
// oxlint-disable-next-line typescript/no-explicit-any -- a class with any constructor can only be extended so
type ObjectClass = new (...parts: any[]) => object;

/** As workerd has them, by the machine's clock. */
let machineAlarms: Alarms | null = null;
/** Objects whose alarm is no longer the one that was set before this process. */
const opened = new Set<string>();

/** The same class of objects, with alarms that are set and read by that clock, and ring by it. */
export function withHeldAlarms<T extends ObjectClass>(of: T): T {
  return class extends of {
    // oxlint-disable-next-line typescript/no-explicit-any -- the rule for mixins (TS2545)
    constructor(...parts: any[]) {
      const [state] = parts as [ObjectState];
      const alarms = (machineAlarms ??= hold(Object.getPrototypeOf(state.storage) as Alarms));
      const id = state.id.toString();
      if (!opened.has(id)) {
        opened.add(id);
        void state.blockConcurrencyWhile(async () => {
          const at = await alarms.getAlarm.call(state.storage);
          if (at !== null) await state.storage.setAlarm(at);
        });
      }
      super(...parts);
    }
  };
}

/** @returns what they were */
function hold(alarms: Alarms): Alarms {
  const { getAlarm, setAlarm } = alarms;
  alarms.getAlarm = async function () {
    const at = await getAlarm.call(this);
    return at === null ? null : at + CLOCK_OFFSET_MS;
  };
  alarms.setAlarm = function (at) {
    return setAlarm.call(this, Number(at) - CLOCK_OFFSET_MS);
  };
  return { getAlarm, setAlarm };
}

/** Longest data of a notice, UTF-16 units. Many servers accept at most a megabyte, and one unit can take up to six bytes. */
export const MAX_DATA_UNITS = 150_000;

type Data = Readonly<Record<string, unknown>>;

/** Texts that may be cut, each with a mark of its own. */
const CUTTABLE = ['result', 'message'] as const;

/**
 * A notice's `data` as JSON. What makes it too long is cut: a text (`result_cut`, `message_cut`), or what is asked as a whole
 * (`subject_cut`). The session's log has all of it.
 */
export function noticeJson(data: Data): string {
  const whole = JSON.stringify(data);
  if (whole.length <= MAX_DATA_UNITS) return whole;
  let fitted = data;
  for (const name of CUTTABLE) fitted = withShorter(fitted, name);
  const json = JSON.stringify(fitted);
  return json.length <= MAX_DATA_UNITS ? json : JSON.stringify({ ...fitted, subject: null, subject_cut: true });
}

/** The data with a text cut, so that it fits if it can. */
function withShorter(data: Data, name: string): Data {
  const text = data[name];
  const mark = { [`${name}_cut`]: true };
  if (typeof text !== 'string' || JSON.stringify(data).length <= MAX_DATA_UNITS) return data;
  const room = MAX_DATA_UNITS - JSON.stringify({ ...data, [name]: '', ...mark }).length;
  let kept = text.slice(0, Math.max(0, room));
  // One unit can take up to six once JSON has escaped it, so this may have to cut more than once.
  while (kept.length > 0 && JSON.stringify(kept).length - 2 > room) kept = kept.slice(0, Math.floor(kept.length / 2));
  return { ...data, [name]: kept.toWellFormed(), ...mark };
}

/** The body of a post of the format `standard`. @param time of the event, epoch milliseconds */
export function standardBody(type: string, time: number, json: string): string {
  return `{"type":${JSON.stringify(type)},"timestamp":"${new Date(time).toISOString()}","data":${json}}`;
}

/** How a piece of a terminal's text looks: the part of ECMA-48's SGR that is no danger to whoever reads it. */
export interface Style {
  readonly bold?: true;
  readonly dim?: true;
  readonly italic?: true;
  readonly underline?: true;
  readonly strike?: true;
  readonly inverse?: true;
  readonly ink?: Colour;
  readonly ground?: Colour;
}

/** One of the terminal's sixteen, 0 to 15, which the theme says; or a colour of its own. */
export type Colour = number | readonly [red: number, green: number, blue: number];

const PLAIN: Style = {};

/**
 * The style after an SGR sequence. What it does not know it passes over; hidden text (8) and blinking (5, 6) are among that.
 *
 * @param parameters as between `ESC [` and `m`, parted by `;` or `:`
 */
export function styled(before: Style, parameters: string): Style {
  const codes = parameters.slice(0, 200).split(/[;:]/).map(Number);
  let style = before;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = colourAt(codes, at + 1);
      at += used;
      if (colour !== null) style = code === 38 ? { ...style, ink: colour } : { ...style, ground: colour };
    } else style = withCode(style, code);
  }
  return style;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code >= 30 && code <= 37) return { ...style, ink: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, ink: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, ground: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, ground: code - 92 };
  return SWITCHES.get(code)?.(style) ?? style;
}

type Change = (style: Style) => Style;

const SWITCHES: ReadonlyMap<number, Change> = new Map<number, Change>([
  [1, (style) => ({ ...style, bold: true })],
  [2, (style) => ({ ...style, dim: true })],
  [3, (style) => ({ ...style, italic: true })],
  [4, (style) => ({ ...style, underline: true })],
  [7, (style) => ({ ...style, inverse: true })],
  [9, (style) => ({ ...style, strike: true })],
  [22, (style) => without(style, 'bold', 'dim')],
  [23, (style) => without(style, 'italic')],
  [24, (style) => without(style, 'underline')],
  [27, (style) => without(style, 'inverse')],
  [29, (style) => without(style, 'strike')],
  [39, (style) => without(style, 'ink')],
  [49, (style) => without(style, 'ground')],
]);

function without(style: Style, ...names: readonly (keyof Style)[]): Style {
  const left = { ...style };
  for (const name of names) delete left[name];
  return left;
}

/** The colour after 38 or 48, and how many codes say it: `5;N` of xterm's 256, or `2;R;G;B`. */
function colourAt(codes: readonly number[], at: number): readonly [Colour | null, number] {
  if (codes[at] === 5) return [of256(codes[at + 1]), 2];
  if (codes[at] !== 2) return [null, 1];
  const parts = codes.slice(at + 1, at + 4);
  const [red = 0, green = 0, blue = 0] = parts;
  return [parts.length === 3 && parts.every(isByte) ? [red, green, blue] : null, 4];
}

function isByte(code: number): boolean {
  return Number.isInteger(code) && code >= 0 && code <= 255;
}

/** xterm's palette: sixteen of the theme, a cube of six to each side, and 24 greys. */
function of256(code = -1): Colour | null {
  if (!isByte(code)) return null;
  if (code < 16) return code;
  if (code >= 232) return grey(8 + (code - 232) * 10);
  const cube = code - 16;
  return [step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6)];
}

function grey(light: number): Colour {
  return [light, light, light];
}

function step(level: number): number {
  return level === 0 ? 0 : 55 + level * 40;
}

import { markOf, type Piece, piecesOf } from './visible.ts';

/** A text has this many marks as elements of their own. More of them are in it as text: ten thousand would take seconds to draw. */
const MAX_MARKS = 100;

/** Text inside something that has cut and isolated it already. Everybody else wants `SafeText`. */
export function ShownText({ text, line = false }: { readonly text: string; readonly line?: boolean }) {
  const pieces = piecesOf(text, line);
  return (
    <>
      {pieces.slice(0, 2 * MAX_MARKS).map((piece, index) =>
        typeof piece === 'string' ? (
          piece
        ) : (
          <span key={index} class="safe-mark" title="A character that cannot be seen">
            {markOf(piece)}
          </span>
        ),
      )}
      {pieces.length > 2 * MAX_MARKS &&
        pieces
          .slice(2 * MAX_MARKS)
          .map(asText)
          .join('')}
    </>
  );
}

function asText(piece: Piece): string {
  return typeof piece === 'string' ? piece : markOf(piece);
}

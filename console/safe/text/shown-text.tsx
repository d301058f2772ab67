import { markOf, piecesOf } from './visible.ts';

/** Text inside something that has cut and isolated it already. Everybody else wants `SafeText`. */
export function ShownText({ text, line = false }: { readonly text: string; readonly line?: boolean }) {
  return piecesOf(text, line).map((piece, index) =>
    typeof piece === 'string' ? (
      piece
    ) : (
      <span key={index} class="safe-mark" title="A character that cannot be seen">
        {markOf(piece)}
      </span>
    ),
  );
}

import { toast } from '../../ui/toast.tsx';

/** Copies to the clipboard, and says so. @param said what it says then */
export async function copy(text: string, said = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    // Not in a page over plain HTTP, or not allowed by the person.
    toast('This browser does not let the page copy it.', 'bad');
  }
}

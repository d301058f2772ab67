import { CcDockerError } from '../../../client/main.ts';
import { visibleText } from '../../safe/text/visible.ts';
import { toast } from '../../ui/toast.tsx';

/** Does what somebody has asked for, and says why where it fails. @returns whether it is done */
export async function doing(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof CcDockerError)) throw error;
    toast(visibleText(error.detail, 500), 'bad');
    return false;
  }
}

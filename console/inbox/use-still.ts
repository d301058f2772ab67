import { useEffect, useRef, useState } from 'preact/hooks';

/** A finger that was on its way takes about this long, milliseconds. */
const MOVING_MS = 500;

/**
 * Whether a list has just moved. Then it takes no press: what slid under the finger is not what was meant.
 *
 * @param order what stands where; the list moves when it changes
 */
export function useIsMoving(order: string): boolean {
  const before = useRef(order);
  const [isMoving, setMoving] = useState(false);
  useEffect(() => {
    if (before.current === order) return undefined;
    before.current = order;
    setMoving(true);
    const timer = setTimeout(() => setMoving(false), MOVING_MS);
    return () => clearTimeout(timer);
  }, [order]);
  return isMoving;
}

/** The sizes that Fargate has, as its documentation lists them: CPU units, and memory in MiB from, to, by. */
const SIZES: readonly (readonly [number, readonly number[]])[] = [
  [256, [512, 1024, 2048]],
  [512, steps(1024, 4096, 1024)],
  [1024, steps(2048, 8192, 1024)],
  [2048, steps(4096, 16_384, 1024)],
  [4096, steps(8192, 30_720, 1024)],
  [8192, steps(16_384, 61_440, 4096)],
  [16_384, steps(32_768, 122_880, 8192)],
];

export function isFargateSize(cpu: number, memory: number): boolean {
  return SIZES.some(([units, memories]) => units === cpu && memories.includes(memory));
}

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}

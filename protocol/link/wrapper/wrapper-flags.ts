/**
 * Node's flags for the wrapper. It waits most of the time, beside a `claude` that needs the memory and the processors: four threads and up
 * to 5 MB less. The image has them in its ENTRYPOINT (container/Dockerfile); V8 takes a code cache only with the flags that made it.
 */
export const WRAPPER_FLAGS: readonly string[] = ['--v8-pool-size=0', '--max-semi-space-size=1'];

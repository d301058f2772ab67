import fc from 'fast-check';
import { generatedRuns } from './generated-runs.ts';

fc.configureGlobal({ numRuns: generatedRuns() });

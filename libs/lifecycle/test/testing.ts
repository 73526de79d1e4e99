export { armFailpoints } from '../src/failpoints.ts';
export { startStopStress } from './start-stop-stress.ts';

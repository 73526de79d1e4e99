export { Backoff, type BackoffBounds } from './backoff.ts';
export { defineFailpoints, failpoint } from './failpoints.ts';
export { type LeadershipOptions, type Lease, leadOrStandby } from './leadership.ts';
export { pause } from './pause.ts';
export { RunLoop, type RunLoopOptions } from './run-loop.ts';
export { type RunProcessOptions, runMain, runProcess } from './run-process.ts';
export { type RunUntilSignalledOptions, runUntilSignalled } from './run-until-signalled.ts';
export { notReady, readyReport, type Service } from './service.ts';
export { ServiceGroup } from './service-group.ts';

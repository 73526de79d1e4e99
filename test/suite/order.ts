import { relative, sep } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { projectRoot } from '../harness/standing.ts';

/** The longest files, longest first. One that starts last would run alone while the other workers have nothing to do. */
const longest = [
  'test/faults/chaos.e2e.test.ts',
  'test/faults/failpoints.e2e.test.ts',
  'test/faults/planted.e2e.test.ts',
  'test/e2e/types.e2e.test.ts',
  'test/e2e/compare.e2e.test.ts',
  'test/property/random-statements.e2e.test.ts',
  'test/e2e/runbook.e2e.test.ts',
  'test/e2e/ddl.e2e.test.ts',
  'test/e2e/large.e2e.test.ts',
  'test/e2e/copy-kills.e2e.test.ts',
  'test/e2e/classic-guide.e2e.test.ts',
  'test/e2e/rename.e2e.test.ts',
  'test/e2e/operations.e2e.test.ts',
  'test/e2e/shapes.e2e.test.ts',
  'test/e2e/lifecycle.e2e.test.ts',
  'test/e2e/up.e2e.test.ts',
  'test/e2e/history.e2e.test.ts',
  'test/e2e/queues.e2e.test.ts',
  'test/e2e/resync.e2e.test.ts',
  'test/faults/phantom.e2e.test.ts',
  'test/faults/queue-stress.e2e.test.ts',
];

/** After those: files with servers and processes of their own, files on shared servers, pure files. */
const kinds = ['scenarios', 'servers', 'unit'];

/** The order in which files start: the same in every clone, whatever earlier runs took. */
export class FileOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

function rank({ moduleId, project }: TestSpecification): number {
  const at = longest.indexOf(relative(projectRoot, moduleId).split(sep).join('/'));
  return at === -1 ? longest.length + kinds.indexOf(project.name) : at;
}

/**
 * `node scripts/ci-summary.mjs CHECK_LOG TESTS_JSON TESTS_STATUS LEAKS DOCKER_JSON BUILD_JSON LONG_JSON LONG_STATUS`: the last line of CI, from
 * what the gates, vitest and the comparisons with Docker and buildah left behind; status 1 when anything failed.
 *
 * Plain JavaScript: it has to speak up when nothing compiled. A gate counts as one test; so does a test file that
 * could not be loaded, a test run that failed without a failed test (crash, time limit), and mounts left behind.
 */

import { existsSync, readFileSync } from 'node:fs';

const [checkLog, testsJson, testsStatus, leaks, dockerJson, buildJson, longJson, longStatus] =
  process.argv.slice(2);

function gateCounts() {
  const found = /^check: (\d+) passed, (\d+) failed$/m.exec(readFileSync(checkLog, 'utf8'));
  return found
    ? { passed: Number(found[1]), failed: Number(found[2]), skipped: 0 }
    : { passed: 0, failed: 1, skipped: 0 };
}

/** Of vitest's report and exit status. */
function testCounts(path, status) {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && status !== '0' ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** A comparison that did not come to its end is a failure. */
function comparisonCounts(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { passed: 0, failed: 1, skipped: 0 };
}

const gates = gateCounts();
const tests = testCounts(testsJson, testsStatus);
const long = testCounts(longJson, longStatus);
const docker = comparisonCounts(dockerJson);
const buildah = comparisonCounts(buildJson);
const failed = gates.failed + tests.failed + long.failed + docker.failed + buildah.failed + Number(leaks);
const passed = gates.passed + tests.passed + long.passed + docker.passed + buildah.passed;
const skipped = tests.skipped + long.skipped + docker.skipped + buildah.skipped;
console.log(
  `gates: ${gates.passed} passed, ${gates.failed} failed; left mounted: ${leaks === '0' ? 'nothing' : 'see above'}`,
);
console.log(`beside docker: ${docker.passed} passed, ${docker.failed} failed, ${docker.skipped} skipped`);
console.log(`beside buildah: ${buildah.passed} passed, ${buildah.failed} failed`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

/**
 * `node scripts/ci-summary.mjs CHECK_LOG TESTS_JSON TESTS_STATUS LEAKS DOCKER_JSON BUILD_JSON LONG_JSON LONG_STATUS [JSON STATUS]...`: the last line of CI, from
 * what the gates, vitest and the comparisons with Docker and buildah left behind; status 1 when anything failed.
 *
 * Plain JavaScript: it has to speak up when nothing compiled. A gate counts as one test; so does a test file that
 * could not be loaded, a test run that failed without a failed test (crash, time limit), and mounts left behind.
 */

import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const [checkLog, testsJson, testsStatus, leaks, dockerJson, buildJson, longJson, longStatus, ...others] =
  process.argv.slice(2);

function gateCounts() {
  const found = /^check: (\d+) passed, (\d+) failed$/m.exec(readFileSync(checkLog, 'utf8'));
  return found
    ? { passed: Number(found[1]), failed: Number(found[2]), skipped: 0 }
    : { passed: 0, failed: 1, skipped: 0 };
}

/** The counts of vitest's report and exit status. */
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

/** A line for each failure: printed last, for who sees the end of the output alone. */
const names = [];

/** Each failed test of vitest's report with the beginning of its error. */
function printFailures(path) {
  if (!existsSync(path)) return;
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    if (file.status !== 'failed') continue;
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) {
      names.push(`${basename(file.name)}: ${firstLineOf(file.message)}`);
      console.log(`failed: ${file.name}\n${beginningOf(file.message)}`);
    }
    for (const test of failed) {
      names.push(`${basename(file.name)}: ${test.fullName}: ${firstLineOf(test.failureMessages.join('\n'))}`);
      console.log(`failed: ${file.name}: ${test.fullName}\n${beginningOf(test.failureMessages.join('\n'))}`);
    }
  }
}

function beginningOf(message) {
  return message
    .split('\n')
    .slice(0, 12)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
}

function firstLineOf(message) {
  return message.split('\n')[0].slice(0, 120);
}

/** A comparison that did not come to its end is a failure. */
function comparisonCounts(path) {
  if (!existsSync(path)) {
    names.push(`${basename(path)}: did not come to its end`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const counts = JSON.parse(readFileSync(path, 'utf8'));
  names.push(...(counts.names ?? []).map((name) => `${basename(path)}: ${name}`));
  return counts;
}

const gates = gateCounts();
const tests = testCounts(testsJson, testsStatus);
const long = testCounts(longJson, longStatus);
const docker = comparisonCounts(dockerJson);
const buildah = comparisonCounts(buildJson);
printFailures(testsJson);
printFailures(longJson);
/** Runs of vitest beside these: on other versions of Node. */
const more = { passed: 0, failed: 0, skipped: 0 };
for (let at = 0; at < others.length; at += 2) {
  const counts = testCounts(others[at], others[at + 1]);
  for (const key of Object.keys(more)) more[key] += counts[key];
  printFailures(others[at]);
}
const failed =
  gates.failed + tests.failed + long.failed + docker.failed + buildah.failed + more.failed + Number(leaks);
const passed = gates.passed + tests.passed + long.passed + docker.passed + buildah.passed + more.passed;
const skipped = tests.skipped + long.skipped + docker.skipped + buildah.skipped + more.skipped;
names.push(
  ...readFileSync(checkLog, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('FAIL ')),
);
for (const name of names) console.log(`- ${name}`);
console.log(
  `gates: ${gates.passed} passed, ${gates.failed} failed; left mounted: ${leaks === '0' ? 'nothing' : 'see above'}`,
);
console.log(`beside docker: ${docker.passed} passed, ${docker.failed} failed, ${docker.skipped} skipped`);
console.log(`beside buildah: ${buildah.passed} passed, ${buildah.failed} failed`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

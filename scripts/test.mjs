// Sets up, builds, runs the whole suite; says what ran and what was skipped, and why.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, install, root, tool } from './setup.mjs'

install()
build()

const folder = mkdtempSync(join(tmpdir(), 'flatend-test-'))
const report = join(folder, 'report.json')
const skips = join(folder, 'skips.txt')
const args = [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]
const result = spawnSync(tool('vitest'), args, {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, FLATEND_SKIPS: skips },
})

let status = result.status ?? 1
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  for (const line of readSkips()) console.log(`skipped: ${line}`)
  console.log(
    `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`,
  )
  if (numPassedTests === 0) status ||= 1
} catch (error) {
  console.error(`no test report: ${error.message}`)
  status ||= 1
}
rmSync(folder, { recursive: true, force: true })
process.exit(status)

/** Tests that cannot run on this machine append one line each, with the reason. */
function readSkips() {
  try {
    return [...new Set(readFileSync(skips, 'utf8').split('\n').filter(Boolean))]
  } catch {
    return []
  }
}

// Sets up, builds, runs the whole suite; says what ran and what was skipped, and why.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, install, root, tool } from './setup.mjs'

install()
build()

const folder = mkdtempSync(join(tmpdir(), 'flatend-test-'))
const file = join(folder, 'report.json')
const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'report.mjs')}`]
const result = spawnSync(tool('vitest'), ['run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, FLATEND_REPORT: file },
})

let status = result.status ?? 1
try {
  const { passed, failed, skipped } = JSON.parse(readFileSync(file, 'utf8'))
  for (const line of skipped) console.log(`skipped: ${line}`)
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  if (passed === 0) status ||= 1
} catch (error) {
  console.error(`no test report: ${error.message}`)
  status ||= 1
}
rmSync(folder, { recursive: true, force: true })
process.exit(status)

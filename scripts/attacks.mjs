// Runs the attacks on the 2020 SDK and on this repository, and writes what they showed into SECURITY.md.
import { build, install, run, tool } from './setup.mjs'

install()
build()
run(tool('vitest'), ['run', 'test/attacks/'], { env: { ...process.env, UPDATE: '1' } })

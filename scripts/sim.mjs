// Simulates discovery on a virtual clock and network; prints what it measured beside the targets.
import { join } from 'node:path'
import { build, install, root, run } from './setup.mjs'

install()
build(['test/sim'])
const main = join(root, 'test', 'sim', 'dist', 'main.js')
// Most of what is made lives for one event: a larger nursery halves the work of collecting it.
const memory = ['--max-old-space-size=6000', '--max-semi-space-size=64']
run(process.execPath, [...memory, main, ...process.argv.slice(2)])

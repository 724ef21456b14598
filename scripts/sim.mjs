// Simulates discovery on a virtual clock and network; prints what it measured beside the targets.
import { join } from 'node:path'
import { build, install, root, run } from './setup.mjs'

install()
build(['test/sim'])
const main = join(root, 'test', 'sim', 'dist', 'main.js')
run(process.execPath, ['--max-old-space-size=6000', main, ...process.argv.slice(2)])

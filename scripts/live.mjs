// Starts meshes of real nodes on loopback; prints how fast they come to know themselves.
import { join } from 'node:path'
import { build, install, root, run } from './setup.mjs'

install()
build()
run(process.execPath, [join(root, 'bench', 'live.mjs'), ...process.argv.slice(2)])

import { join } from 'node:path'
import { build, install, root, run } from './setup.mjs'

install()
build(['apps/node'])
run(process.execPath, [join(root, 'bench', 'main.mjs'), ...process.argv.slice(2)])

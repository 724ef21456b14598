// Everything that can be said about the code without running it. `npm test` runs the code.
import { build, install, pnpm, run, tool } from './setup.mjs'

install()
build()
run(tool('biome'), ['check', '.'])
run(tool('oxlint'), ['--type-aware', '--deny-warnings'])
run(tool('knip'), [])
run(tool('sherif'), [])
// turbo finds the workspace's packages through pnpm, which only npx puts on the path here.
pnpm(['exec', 'turbo', 'boundaries'])
pnpm(['exec', 'turbo', 'run', 'check:package'])
console.log('check: all passed')

#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { main } from '../dist/cli/main.js'

// Little survives a collection of a gateway's young objects: one thread is done in a millisecond. Several
// wait for each other, on a machine that is busy up to 40 ms, and so do all requests meanwhile.
setFlagsFromString('--no-parallel-scavenge')

process.exitCode = await main(process.argv.slice(2))

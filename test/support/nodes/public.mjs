// A node that anybody can dial.
import { Node } from '@flatend/node'

await Node.start({ publicAddr: process.argv[2] })

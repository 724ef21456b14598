// Moleculer over its TCP transporter, in the clear.
import { brokers } from './broker.mjs'

export const { serve, connect } = brokers(() => [])

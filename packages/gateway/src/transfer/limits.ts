// Limits of one call's fields in the protocol; a call over them could not be sent.
/** Fields of one message. */
export const MAX_FIELDS = 128
/** Bytes of a field's name. */
export const MAX_NAME = 255
/** Bytes of a field's value. */
export const MAX_VALUE = 8_192
/** Bytes of all names and values together. */
export const MAX_FIELD_BYTES = 32_768

// Our own.
/** Query parameters with names of their own; half of the fields, so that headers have room. */
export const MAX_QUERY_FIELDS = 64

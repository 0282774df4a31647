package gitstore

// TickOnce is what Run does once an hour.
var TickOnce = (*Service).tickOnce

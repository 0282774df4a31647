package inventory

// CountOnce is what Run does every half minute.
var CountOnce = (*Service).countOnce

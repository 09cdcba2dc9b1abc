package a

// 199-07: no test file.
func TestIgnored() {}

package a

// 199-05
func TestIgnored() {}

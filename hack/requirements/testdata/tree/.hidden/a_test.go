package a

// 199-06
func TestIgnored() {}

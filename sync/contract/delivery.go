package contract

// Delivery is one payload as it came from the broker, before anything of it was checked.
type Delivery struct {
	Topic   string
	Payload []byte
}

// Package mqttlink connects nodes and centres to an MQTT 3.1.1 broker. It is the only importer of
// github.com/eclipse/paho.mqtt.golang.
//
// Of paho v1.5.1 only one connection at a time is used, with AutoReconnect and ConnectRetry off, a clean session and a
// new client each time: with AutoReconnect a publish token completes without error after a reconnect although no PUBACK
// came, and with a kept session it may never complete. What is not known to have arrived is sent again by the outbox,
// which knows; the connection keeps nothing.
package mqttlink

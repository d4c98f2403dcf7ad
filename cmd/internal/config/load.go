package config

// Known lists the names that a config may use because the program has something for them. A nil list is not checked.
type Known struct {
	Models   []string // meter models
	Profiles []string // card profiles
}

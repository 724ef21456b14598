module example.org/flatend-2020

go 1.14

require github.com/lithdew/flatend v0.0.8

// A script of the site: it listens to none of the buttons.

"""The asset vault: pictures, fonts and stylesheets as the visitor saw them, kept beside the recording."""

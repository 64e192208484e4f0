"""Pictures like what people see on screens: text, interfaces, charts; for draw_screens.py."""
